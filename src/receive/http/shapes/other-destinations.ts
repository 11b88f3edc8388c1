/**
 * Destinations of the API that this version does not deliver to. Their members are not looked at: a rule refuses the whole
 * destination and says what is supported.
 */
import type { StructureShape } from '../constraints.ts'
import { anything } from '../shapes.ts'

export const OTHER_DESTINATIONS = [
  'RedshiftDestinationConfiguration',
  'ElasticsearchDestinationConfiguration',
  'AmazonopensearchserviceDestinationConfiguration',
  'SplunkDestinationConfiguration',
  'HttpEndpointDestinationConfiguration',
  'AmazonOpenSearchServerlessDestinationConfiguration',
  'SnowflakeDestinationConfiguration',
  'IcebergDestinationConfiguration',
] as const

export const OTHER_UPDATES = [
  'RedshiftDestinationUpdate',
  'ElasticsearchDestinationUpdate',
  'AmazonopensearchserviceDestinationUpdate',
  'SplunkDestinationUpdate',
  'HttpEndpointDestinationUpdate',
  'AmazonOpenSearchServerlessDestinationUpdate',
  'SnowflakeDestinationUpdate',
  'IcebergDestinationUpdate',
] as const

/** Members of these names, each of which may be any structure. */
export function unread(names: readonly string[]): Readonly<Record<string, StructureShape>> {
  return Object.fromEntries(names.map((name) => [name, anything]))
}
