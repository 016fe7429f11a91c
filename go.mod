module github.com/mooring-go/mooring

go 1.26

require (
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/gorilla/sessions v1.4.0
	github.com/stretchr/testify v1.12.1 // indirect
)
