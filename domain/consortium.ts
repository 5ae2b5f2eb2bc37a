// Station 0, vocabulary: the three organisations of the consortium and the names under which they meet.
// Every part that must agree on an organisation's identity reads it here. Never holds addresses or keys.

/** The organisations, by the short name used in addresses, folders, `run.json` and the chain's profile. */
export const ORGANISATIONS = ['administration', 'hospital', 'association'] as const;
export type Organisation = (typeof ORGANISATIONS)[number];

/** Fabric membership service provider of each organisation. */
export const MSP_IDS = {
  administration: 'AdministrationMSP',
  hospital: 'HospitalMSP',
  association: 'AssociationMSP',
} as const satisfies Record<Organisation, string>;

/** The Fabric channel that the three organisations run together. */
export const CHANNEL = 'rehab';
/** The chaincode that holds the transparency log on the channel. */
export const CHAINCODE = 'rehab-log';
/** The Temporal namespace; created with ten years' retention. */
export const TEMPORAL_NAMESPACE = 'rehab';
/** The Temporal task queue of the case workflow and its activities. */
export const TASK_QUEUE = 'rehab';
/** Origin line of the log's checkpoints (C2SP tlog-checkpoint). */
export const LOG_ORIGIN = 'rehab/log';
/** Name of an organisation's witness key (C2SP signed-note key name). */
export const witnessName = (organisation: Organisation): string => `rehab/witness/${organisation}`;
