// Station 2, what the workflow bundle exports: the entry of Temporal's bundler and of nothing else.
export { caseWorkflow } from './case-workflow.ts';
