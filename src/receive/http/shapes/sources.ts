/** Where a delivery stream takes its records from. */
import type { Shape, StructureShape } from '../constraints.ts'
import { arn, boolean, choice, roleArn, structure, word } from '../shapes.ts'

export const directPutSource = structure({ ThroughputHintInMBs: { type: 'integer', min: 1, max: 100 } }, [
  'ThroughputHintInMBs',
])

export function kinesisStreamSource({ roleOptional }: { readonly roleOptional: boolean }): StructureShape {
  return structure(
    {
      KinesisStreamARN: arn('arn:.*:kinesis:[a-zA-Z0-9\\-]+:\\d{12}:stream/[a-zA-Z0-9_.-]+'),
      RoleARN: roleArn,
    },
    roleOptional ? ['KinesisStreamARN'] : ['KinesisStreamARN', 'RoleARN'],
  )
}

export const mskSource = structure(
  {
    MSKClusterARN: arn('arn:.*'),
    TopicName: { type: 'string', min: 1, max: 255, pattern: '[a-zA-Z0-9\\\\._\\\\-]+' },
    AuthenticationConfiguration: structure(
      { RoleARN: roleArn, Connectivity: choice(['PUBLIC', 'PRIVATE']) },
      ['RoleARN', 'Connectivity'],
    ),
    ReadFromTimestamp: { type: 'timestamp' },
  },
  ['MSKClusterARN', 'TopicName', 'AuthenticationConfiguration'],
)

const secretsManager = structure(
  {
    SecretARN: {
      type: 'string',
      min: 1,
      max: 2048,
      pattern: 'arn:.*:secretsmanager:[a-zA-Z0-9\\-]+:\\d{12}:secret:[a-zA-Z0-9\\-/_+=.@!]+',
    },
    RoleARN: roleArn,
    Enabled: boolean,
  },
  ['Enabled'],
)

function databaseName(max: number): Shape {
  return { type: 'string', min: 1, max, pattern: '[\\u0001-\\uFFFF]*' }
}

function includeOrExclude(name: Shape): StructureShape {
  const names: Shape = { type: 'list', of: name }
  return structure({ Include: names, Exclude: names })
}

export const databaseSource = structure(
  {
    Type: choice(['MySQL', 'PostgreSQL']),
    Endpoint: { type: 'string', min: 1, max: 255, pattern: '^(?!\\s*$).+' },
    Port: { type: 'integer', min: 0, max: 65_535 },
    SSLMode: choice(['Disabled', 'Enabled']),
    Databases: includeOrExclude(databaseName(64)),
    Tables: includeOrExclude(databaseName(129)),
    Columns: includeOrExclude(databaseName(194)),
    SurrogateKeys: { type: 'list', of: word },
    SnapshotWatermarkTable: databaseName(129),
    DatabaseSourceAuthenticationConfiguration: structure({ SecretsManagerConfiguration: secretsManager }, [
      'SecretsManagerConfiguration',
    ]),
    DatabaseSourceVPCConfiguration: structure(
      {
        VpcEndpointServiceName: {
          type: 'string',
          min: 47,
          max: 255,
          pattern: '([a-zA-Z0-9\\-\\_]+\\.){2,3}vpce\\.[a-zA-Z0-9\\-]*\\.vpce-svc\\-[a-zA-Z0-9\\-]{17}$',
        },
      },
      ['VpcEndpointServiceName'],
    ),
  },
  [
    'Type',
    'Endpoint',
    'Port',
    'Databases',
    'Tables',
    'SnapshotWatermarkTable',
    'DatabaseSourceAuthenticationConfiguration',
    'DatabaseSourceVPCConfiguration',
  ],
)
