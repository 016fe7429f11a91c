// Not released: a program to read, and to run in a clone.
module github.com/mooring-go/mooring/examples/websocket

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
