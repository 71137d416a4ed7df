/** What `registrar demo` is asked for on the command line. */
export interface DemoOptions {
  readonly nodes: number;
  readonly exit?: boolean;
  readonly json?: boolean;
  /** People may act from the fleet page. */
  readonly allowActions?: boolean;
  /** Seconds. */
  readonly timeout: number;
}
