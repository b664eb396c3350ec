package grpctransport

import (
	"context"
	"errors"
	"net"

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
	return refusal(ctx, to, &framesStream, framesMethod, [][]byte{first})
}

// refusal opens a stream, sends messages and returns why it ended.
func refusal(ctx context.Context, to string, stream *grpc.StreamDesc, method string, messages [][]byte) error {
	conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{})))
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := conn.NewStream(ctx, stream, method)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := s.SendMsg(&message{m}); err != nil {
			break // why, is received
		}
	}
	for {
		if err := s.RecvMsg(&message{}); err != nil {
			return err
		}
	}
}

// Former serves as versions did that knew no stream of calls: it answers each request with
// itself.
func Former() (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(raw{}))
	server.RegisterService(&grpc.ServiceDesc{ServiceName: serviceName, HandlerType: (*any)(nil), Methods: service.Methods}, &link{handler: echo{}})
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), server.Stop, nil
}

type echo struct{ transport.Handler }

func (echo) Call(_ context.Context, _ string, request []byte) ([]byte, error) { return request, nil }

// Calls opens a stream of calls with the given messages and returns how it is refused.
func Calls(ctx context.Context, to string, messages ...[]byte) error {
	return refusal(ctx, to, &callsStream, callsMethod, messages)
}
