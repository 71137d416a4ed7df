// Loaded by Temporal's worker with require(). Messages of failures are payloads here, and so are encrypted as such.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
