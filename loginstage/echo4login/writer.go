package echo4login

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// outerWriter is what the guard writes to: echo's response, which knows the context of
// its request, and keeps the error that the middleware is to return.
type outerWriter struct {
	*echo.Response
	c   echo.Context
	err error
}

// Unwrap is for [http.ResponseController].
func (w *outerWriter) Unwrap() http.ResponseWriter { return w.Response }
