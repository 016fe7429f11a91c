// Not released: it writes the files of package bindingtest, which are in the tree.
module github.com/mooring-go/mooring/binding/bindingtest/generate

go 1.26.0

require (
	github.com/maxmind/mmdbwriter v1.2.0
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/oschwald/maxminddb-golang/v2 v2.9.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	go4.org/netipx v0.0.0-20231129151722-fdeea329fbba // indirect
	golang.org/x/sys v0.49.0 // indirect
)
