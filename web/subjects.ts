// Station 1, web: the subjects of the app, a folder each. The order does not matter: no two share an address.
import { alertRoutes } from './alerts/routes.tsx';
import { applyRoutes } from './apply/routes.tsx';
import { auditRoutes } from './audit/routes.tsx';
import { boardRoutes } from './board/routes.tsx';
import { caseRoutes } from './cases/routes.tsx';
import { consortiumRoutes } from './consortium/routes.tsx';
import { dayRoutes } from './day/routes.tsx';
import type { WebDeps } from './deps.ts';
import { evidenceRoutes } from './evidence/routes.tsx';
import { helpRoutes } from './help/routes.tsx';
import { invitationRoutes } from './invitation/routes.tsx';
import { keyRoutes } from './keys/routes.tsx';
import { liveRoutes } from './live/routes.tsx';
import { myRoutes } from './my/routes.tsx';
import { operationRoutes } from './operations/routes.tsx';
import { linkRoutes } from './people/links.tsx';
import { peopleRoutes } from './people/routes.tsx';
import { queueRoutes } from './queue/routes.tsx';
import type { Routes } from './routes.ts';
import { settingsRoutes } from './settings/routes.tsx';
import { signInRoutes } from './sign-in/routes.tsx';
import { signatureRoutes } from './signatures/routes.tsx';
import { taskRoutes } from './tasks/routes.tsx';

/** Every subject's routes. */
export const subjects: readonly ((deps: WebDeps) => Routes)[] = [
  signInRoutes,
  invitationRoutes,
  peopleRoutes,
  linkRoutes,
  auditRoutes,
  liveRoutes,
  boardRoutes,
  consortiumRoutes,
  helpRoutes,
  settingsRoutes,
  myRoutes,
  caseRoutes,
  evidenceRoutes,
  applyRoutes,
  dayRoutes,
  alertRoutes,
  operationRoutes,
  queueRoutes,
  taskRoutes,
  keyRoutes,
  signatureRoutes,
];
