module github.com/coppice-run/coppice/site

go 1.26.0

toolchain go1.27.3

require github.com/yuin/goldmark v1.8.7
