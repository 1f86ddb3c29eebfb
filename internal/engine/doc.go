// Package engine executes runs durably. It is the only place that knows DBOS.
//
// A run is one DBOS workflow per attempt. Each step of it is a checkpointed
// DBOS step, followed by a transaction that writes the step's row, the state
// after it and the checkpoint together, so the journal and DBOS never
// disagree. After kill -9 the next start goes on with the step that was
// running; finished steps are not repeated.
//
// DBOS does not interrupt a running step on cancel: the engine keeps a context
// of its own for that, and marks the run as cancelled only after the step has
// come back.
package engine
