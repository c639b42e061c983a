import type {
  DatabaseNetwork,
  DatabasePlace,
  GroupRule,
} from '../../../../src/lib/domain/diagnosis/database-network.ts'
import type {
  AutoscalerFacts,
  Condition,
  NodeFacts,
  WorkloadFacts,
} from '../../../../src/lib/domain/diagnosis/facts.ts'

export function condition(type: string, status: string, reason: string): Condition {
  return { type, status, reason, message: reason, since: 0 }
}

export function deployment(facts: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return {
    uid: 'deployment',
    name: 'app',
    service: 'app',
    generation: 1,
    observedGeneration: 1,
    revision: '1',
    paused: false,
    desired: 2,
    updated: 2,
    available: 2,
    total: 2,
    wasComplete: true,
    labels: { app: 'app' },
    ports: [[{ name: 'http', number: 8080 }]],
    limits: { app: { memory: 100 } },
    ...facts,
  }
}

export function autoscaler(facts: Partial<AutoscalerFacts> = {}): AutoscalerFacts {
  return {
    uid: 'h',
    name: 'app',
    target: 'app',
    min: 2,
    max: 5,
    current: 2,
    desired: 2,
    metrics: [],
    conditions: [],
    ...facts,
  }
}

export function node(facts: Partial<NodeFacts> = {}): NodeFacts {
  return {
    uid: 'n1',
    name: 'n1',
    ready: true,
    schedulable: true,
    conditions: [],
    cpu: 16,
    memory: 64e9,
    version: 'v1.30.0',
    createdAt: 0,
    ...facts,
  }
}

export function rule(facts: Partial<GroupRule> = {}): GroupRule {
  return { protocol: 'tcp', ports: { from: 5432, to: 5432 }, groups: [], blocks: [], ...facts }
}

/** Nodes in two private subnets of 10.0.0.0/16, and a database that lets their group in. */
export function databaseNetwork(
  database: Partial<DatabasePlace> = {},
  {
    acls = [],
    tables = [],
    egress = [rule({ protocol: '-1', ports: undefined, blocks: ['0.0.0.0/0'] })],
  }: Partial<
    Pick<DatabaseNetwork, 'acls'> & Pick<DatabaseNetwork['pods'], 'tables'> & { egress: GroupRule[] }
  > = {},
): DatabaseNetwork {
  const groups = ['sg-cluster', 'sg-nodes']
  const nodes = [
    { subnet: { id: 'subnet-a', blocks: ['10.0.16.0/20'] }, groups, egress },
    { subnet: { id: 'subnet-b', blocks: ['10.0.32.0/20'] }, groups, egress },
  ]
  const place: DatabasePlace = {
    id: 'emr',
    port: 5432,
    vpc: 'vpc-1',
    public: false,
    subnets: [{ id: 'subnet-db', blocks: ['10.1.0.0/24'] }],
    groups: ['sg-db'],
    ingress: [rule({ groups: ['sg-nodes'] })],
    ...database,
  }
  return { pods: { vpc: 'vpc-1', nodes, tables }, databases: [place], acls }
}
