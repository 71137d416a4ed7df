import { NO_FILTERS, type Filters } from '../filters.js';

/** The list that was shown last: a node's page goes along it. */
export const lastList: { filters: Filters } = { filters: NO_FILTERS };
