module github.com/mooring-go/mooring/loginstage/useragent

go 1.26.0

require (
	github.com/medama-io/go-useragent v1.2.5
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/boyter/go-string v1.0.5 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
