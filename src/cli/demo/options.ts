/** What `registrar demo` is asked for on the command line. */
export interface DemoOptions {
  readonly nodes: number;
  readonly exit?: boolean;
  readonly json?: boolean;
  /** Seconds. */
  readonly timeout: number;
}
