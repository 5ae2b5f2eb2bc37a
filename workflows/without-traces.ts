// Station 2, no stack traces inside workflows (docs/adr/0019): the SDK takes one for every promise that a workflow makes, for a query
// that nobody asks, and that was a quarter of the workflow thread. Loaded once, before any workflow. Changes nothing else.
Error.stackTraceLimit = 0;
