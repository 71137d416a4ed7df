/** What `registrar up` is asked for on the command line. */
export interface UpOptions {
  /** false: no server is started, those of the configuration are used. */
  readonly stack: boolean;
  /** People may act from the fleet page. */
  readonly allowActions?: boolean;
}
