# A static binary that runs as nobody in particular, in an image that holds nothing else.
#
#   docker build -t coppice .                                                # the command coppice
#   docker build -t coppice-service --build-arg MODULE=examples/service/otlp .

FROM golang:1.26.0-alpine3.23 AS build
# Not by the image's Go, but by the one that go.mod names as its toolchain: it has the fixes of the standard library.
ENV GOTOOLCHAIN=auto
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# A package of the repository's own module, or of another one in it.
ARG MODULE=cmd/coppice
RUN CGO_ENABLED=0 go build -C "$MODULE" -trimpath -ldflags=-s -o /out/program . && mkdir -m 1777 /out/tmp

FROM scratch
# The authorities of TLS to servers outside.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Events that find no room in memory go into the folder for temporary files.
COPY --from=build /out/tmp /tmp
COPY --from=build /out/program /program
USER 65532:65532
ENTRYPOINT ["/program"]
