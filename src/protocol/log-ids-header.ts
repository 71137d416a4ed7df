/** The header of Temporal in which the ids of log lines come from the bridge to the activities. */
export const LOG_IDS_HEADER = 'onex-log-ids';
