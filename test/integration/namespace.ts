import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { servers } from './servers.js';

const ONE_DAY = proto.google.protobuf.Duration.fromObject({ seconds: 86_400 });

/** A namespace of its own on the shared Temporal: a namespace belongs to one installation. @returns its name */
export async function openNamespace(name: string): Promise<string> {
  const connection = await Connection.connect({ address: servers().temporalAddress });
  try {
    await connection.workflowService.registerNamespace({ namespace: name, workflowExecutionRetentionPeriod: ONE_DAY });
  } finally {
    await connection.close();
  }
  return name;
}
