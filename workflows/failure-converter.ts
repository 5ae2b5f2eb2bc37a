// Station 2, failures cross Temporal encrypted: message and stack go through the codec like every payload
// (SECURITY.md T3). Loaded by path, by the client, the worker and the workflow bundle.
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
