package engine

import "github.com/dbos-inc/dbos-transact-golang/dbos"

// Look makes a waiting run look at its gate, as it does when time has passed.
func (e *Engine) Look(runID string, attempt int) error {
	return dbos.Send(e.dbos, runInput{RunID: runID, Attempt: attempt}.workflowID(), "", gateTopic)
}
