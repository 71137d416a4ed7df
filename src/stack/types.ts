/** What a stack emits while it finds, provisions and starts its servers. */
export type StackEvent =
  | { readonly kind: 'step'; readonly about: string; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly about: string;
      readonly text: string;
      readonly done: number;
      readonly total: number;
      readonly unit: 'bytes' | 'packages' | 'files';
    }
  | { readonly kind: 'ready'; readonly about: string; readonly text: string; readonly ms: number };

export type OnProgress = (event: StackEvent) => void;

/** The part of a logger that the stack uses; a pino logger fits. */
export interface StackLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
