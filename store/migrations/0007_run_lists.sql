-- Pages of a long history: each combination of workflow, Deployment and Stack
-- has an index in the order of the numbers, and what a status leaves out is
-- seen in the index.
CREATE INDEX runs_workflow_status ON runs (workflow_id, status);
CREATE INDEX runs_deployment_status ON runs (deployment_id, status);
CREATE INDEX runs_stack_status ON runs (stack_id, status);
CREATE INDEX runs_workflow_deployment ON runs (workflow_id, deployment_id, number, status);
CREATE INDEX runs_workflow_stack ON runs (workflow_id, stack_id, number, status);
CREATE INDEX runs_deployment_stack ON runs (deployment_id, stack_id, number, status);
CREATE INDEX runs_workflow_deployment_stack ON runs (workflow_id, deployment_id, stack_id, number, status);
