module github.com/mooring-go/mooring/session/rueidisstore

go 1.26.0

require (
	github.com/mooring-go/mooring v0.1.0
	github.com/redis/rueidis v1.0.79
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

require (
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.49.0 // indirect
)
