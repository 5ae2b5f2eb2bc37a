// Test support: a case whose runs hand over every few events, as a long one does in the end; each run brings the answers of the one
// before. Ends the test when the answers are not carried over.
import { caseWorkflowId } from '../../domain/ids.ts';
import { actUpdate, type CaseStart } from '../../workflows/messages.ts';
import { complete, type Stage } from './stories.ts';
import type { TemporalWorld } from './temporal-world.ts';

/** Lives such a case, and gives its id. */
export async function continuedCase(world: TemporalWorld, stage: Stage): Promise<string> {
  const key = world.key('patient', 'submit-application', 'new');
  const first = await world.request(
    'patient',
    'submit-application',
    { patientName: 'Testa Persona', birthDate: '1961-04-02', reason: 'Hip fracture' },
    { key },
  );
  const { caseId } = first;
  const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
  const start: CaseStart = { caseId, eventsPerRun: 8 };
  await world.client.workflow.start('caseWorkflow', {
    workflowId: caseWorkflowId(caseId),
    taskQueue: world.taskQueue,
    args: [start],
  });
  const opened = await handle.executeUpdate(actUpdate('submit-application'), {
    updateId: key,
    args: [first],
  });
  for (let round = 0; round < 2; round++) {
    await complete(stage, caseId, 'officerA', 'decide-eligibility', {
      choice: 'ask-papers',
      papers: ['Report'],
    });
    await complete(stage, caseId, 'patient', 'provide-papers', { answer: 'Here' });
  }
  // Asked again of the run that took over, which has the answer from the ones before.
  const again = await handle.executeUpdate(actUpdate('submit-application'), { updateId: key, args: [first] });
  if (JSON.stringify(again) !== JSON.stringify(opened))
    throw new Error('the first answer was not carried over');
  return caseId;
}
