module github.com/mooring-go/mooring

go 1.26
