/** What is wrong with the configuration, for people: one line for each fault, each with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
