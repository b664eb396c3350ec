package worker

import "slices"

// A task pauses its sources when it has more records than it wants, but it says so between two
// batches of events, and a batch may take seconds. Meanwhile its mailbox, which has no bound, would take
// all that comes. So feeds stop by themselves where a task does not take what it was given.

// mailRecordBytesMax is how much of records may wait in a task's mailbox. What one poll delivers
// comes on top.
const mailRecordBytesMax = 1 << 20

// crowded reports whether more waits than may.
func (m *mailbox) crowded() bool { return m.recordBytes.Load() > mailRecordBytesMax }

// roomy reports whether so much has been taken that more is wanted.
func (m *mailbox) roomy() bool { return m.recordBytes.Load() <= mailRecordBytesMax/2 }

// holdCrowded pauses what was delivered to tasks that do not take it.
func (f *feeds) holdCrowded() {
	for _, key := range f.crowded {
		a := f.assigned[key]
		if a == nil || a.crowded || !a.d.mail.crowded() {
			continue
		}
		a.crowded = true
		f.reader.Pause(key.topic, key.partition)
		a.d.held.Store(true)
		if a.d.mail.roomy() { // it was taken before the task could know
			a.d.tellRoom()
		}
	}
	f.crowded = f.crowded[:0]
}

// giveRoom ends the pauses of a task that has taken what waited.
func (f *feeds) giveRoom(d *driver) {
	for key, a := range f.assigned {
		if a.d != d || !a.crowded {
			continue
		}
		a.crowded = false
		if !a.paused {
			f.reader.Resume(key.topic, key.partition)
		}
	}
}

// took notes that the task has taken a message.
func (d *driver) took(m *message) {
	d.mail.bytes.Add(-m.bytes)
	if m.recordBytes != 0 {
		d.mail.recordBytes.Add(-m.recordBytes)
		if d.held.Load() && d.mail.roomy() {
			d.tellRoom()
		}
	}
}

// tellRoom has the feeds go on, if they wait for that.
func (d *driver) tellRoom() {
	if d.held.CompareAndSwap(true, false) {
		for _, f := range slices.Concat(d.loaded.feeds, d.loaded.committed) {
			f.put(feedOrder{d: d, room: true})
		}
	}
}
