package grpctransport

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// message is one gRPC message as it is.
type message struct{ data []byte }

// raw passes messages through without a schema.
type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*message)
	if !ok {
		return nil, fmt.Errorf("grpctransport: %T is no message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(m.data)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("grpctransport: %T is no message", v)
	}
	m.data = data.Materialize()
	return nil
}

const (
	serviceName  = "coppice.transport.v1.Transport"
	framesMethod = "/" + serviceName + "/Frames"
	callMethod   = "/" + serviceName + "/Call"
	callsMethod  = "/" + serviceName + "/Calls"
)

var framesStream = grpc.StreamDesc{StreamName: "Frames", ServerStreams: true, ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
	return srv.(*link).serveFrames(stream)
}}

var callsStream = grpc.StreamDesc{StreamName: "Calls", ServerStreams: true, ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
	return srv.(*link).serveCalls(stream)
}}

// service describes what a link serves, as protoc would.
var service = grpc.ServiceDesc{
	ServiceName: serviceName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var in message
		if err := decode(&in); err != nil {
			return nil, err
		}
		return srv.(*link).serveCall(ctx, in.data)
	}}},
	Streams: []grpc.StreamDesc{framesStream, callsStream},
}
