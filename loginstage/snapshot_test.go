package loginstage_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each exported method of UserLogin begins with the snapshot of the settings that it goes
// by, so that it sees no part of others that are applied meanwhile. A method that goes on,
// or makes a handler, asks for the snapshot each time; tests of its own show that.
func TestExportedMethodsBeginWithASnapshot(t *testing.T) {
	later := []string{
		"Guard", "Require", "AllowRestricted", "RequireFresh", "RequireACR", "Expiry", "DeviceKeys", // handlers
		"Live", "LiveInUse", // by live
		"Run", "Deliver", "Watch", // which go on
		"LostEvents", "Flush", "Settings", "Apply", // no settings, or all
	}
	methods := map[string]bool{}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if ok && method.Recv != nil && method.Name.IsExported() && receiver(method) == "UserLogin" {
				methods[method.Name.Name] = beginsWithSnapshot(method)
			}
		}
	}
	for _, name := range later {
		assert.Contains(t, methods, name)
		delete(methods, name)
	}
	assert.Greater(t, len(methods), 25)
	for name, begins := range methods {
		assert.True(t, begins, "%s has to begin with l = l.in(ctx), or say in the test why not", name)
	}
}

// receiver returns the name of the type of a method.
func receiver(method *ast.FuncDecl) string {
	of := method.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	name, _ := of.(*ast.Ident)
	return name.Name
}

// beginsWithSnapshot reports whether the first statement is l = l.in(…).
func beginsWithSnapshot(method *ast.FuncDecl) bool {
	if len(method.Body.List) == 0 {
		return false
	}
	assigned, ok := method.Body.List[0].(*ast.AssignStmt)
	if !ok || len(assigned.Rhs) != 1 {
		return false
	}
	call, ok := assigned.Rhs[0].(*ast.CallExpr)
	if !ok {
		return false
	}
	in, ok := call.Fun.(*ast.SelectorExpr)
	to, isName := assigned.Lhs[0].(*ast.Ident)
	return ok && isName && in.Sel.Name == "in" && to.Name == "l"
}
