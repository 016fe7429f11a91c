module github.com/mooring-go/mooring/loginstage/settingsyaml

go 1.26.0

require (
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5
)
