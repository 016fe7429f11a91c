module github.com/mooring-go/mooring/session/sessiontest/histories

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
	pgregory.net/rapid v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
