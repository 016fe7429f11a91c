module github.com/mooring-go/mooring/loginstage/connectlogin

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/mooring-go/mooring v0.1.0
	github.com/stretchr/testify v1.12.1
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1
	google.golang.org/protobuf v1.36.12
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
