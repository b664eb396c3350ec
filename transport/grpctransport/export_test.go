package grpctransport

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/coppice-run/coppice/transport"
)

// Lose has two links lose the sessions between them, in both directions.
func Lose(a, b transport.Link) {
	for _, pair := range [][2]transport.Link{{a, b}, {b, a}} {
		if p, err := pair[0].(*link).peer(pair[1].Address()); err == nil {
			p.giveUp(errors.New("cut by a test"))
		}
	}
}

// Hello opens a stream with the given first message and returns how it is
// refused.
func Hello(ctx context.Context, to string, first []byte) error {
	conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{})))
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := conn.NewStream(ctx, &framesStream, framesMethod)
	if err != nil {
		return err
	}
	if err := s.SendMsg(&message{first}); err != nil {
		return err
	}
	return s.RecvMsg(&message{})
}
