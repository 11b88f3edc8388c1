/** What the rules for delivery streams ask of a configuration. */
import type { Config } from '../config/schema.ts'
import type { DeploymentRules } from '../receive/definition.ts'

export function deploymentRules({ buffer, processing }: Config): DeploymentRules {
  return {
    allowedUrls: processing.allowedUrls,
    partitionedBatchBytes: buffer.partitionedBatchBytes,
  }
}
