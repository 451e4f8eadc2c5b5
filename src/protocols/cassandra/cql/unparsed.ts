/** Counts the statements that could not be parsed where they were to be: they go on as they are. Labels: chain, transform. */
export const UNPARSED_METRIC = 'shotover_cql_unparsed_count'
