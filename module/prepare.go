package module

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/coppice-run/coppice/internal/shape"
)

// prepare makes a record of its JSON form. Fields that the record type has not got are
// refused: they would be lost. A union is in JSON what it is stored as.
func (d *depotDecl[T]) prepare(raw []byte) (r Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it as %s panicked: %v", d.plan.Type, p)
		}
	}()
	var v T
	if err := d.read(raw, &v); err != nil {
		return Record{}, err
	}
	return d.record(v)
}

func (d *depotDecl[T]) read(raw []byte, v *T) error {
	if d.plan.Codec == "union" {
		if err := d.codec.Decode(raw, v); err != nil {
			return fmt.Errorf("it is no %s: %w", d.plan.Type, err)
		}
		return nil
	}
	if err := shape.JSON.Losses(reflect.TypeFor[T]()); err != nil {
		return fmt.Errorf("records of type %s have no JSON form (%w): give the stored form", d.plan.Type, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("it is no %s: %w", d.plan.Type, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("it is no %s: there is something behind its JSON", d.plan.Type)
	}
	return nil
}
