//! What stands where: the layouts that are compared.

use super::assumptions::Assumptions;

/// What keeps the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keeper {
    Postgres {
        standby: bool,
    },
    /// `EventStoreDB` or `KurrentDB`, three nodes.
    Engine,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    pub(super) logs: u64,
    /// Of the node that leads one log, for requests.
    pub(super) leader_cores: u64,
    /// Nodes of boxoffice in all, the leaders among them: they hold the gates, and those that follow answer reads.
    pub(super) nodes: u64,
    /// Cores for reads of one log, where the leader does not answer them too.
    pub(super) reader_cores: u64,
    pub(super) views_at_once: u64,
    /// PostgreSQL works on the leader's cores.
    pub(super) is_shared: bool,
    pub(super) keeper: Keeper,
    /// vCPU of all machines, media nodes apart.
    pub(super) cores: u64,
    /// How many disks hold the log.
    pub(super) copies: u64,
}

pub(super) fn layouts(assumed: &Assumptions) -> Vec<Layout> {
    let machine = assumed.machine_cores;
    let measured = Layout {
        name: "the machine measured",
        logs: 1,
        leader_cores: assumed.measured_cores,
        nodes: 1,
        reader_cores: 0,
        views_at_once: assumed.views_at_once.min(assumed.measured_cores),
        is_shared: true,
        keeper: Keeper::Postgres { standby: false },
        cores: assumed.measured_cores,
        copies: 1,
    };
    let one = Layout {
        name: "one node",
        leader_cores: machine / 2,
        views_at_once: assumed.views_at_once,
        is_shared: false,
        cores: machine,
        ..measured
    };
    let standby = Layout {
        name: "synchronous standby, 3 nodes",
        leader_cores: machine,
        nodes: 3,
        reader_cores: 2 * machine,
        keeper: Keeper::Postgres { standby: true },
        cores: 5 * machine,
        copies: 2,
        ..one
    };
    let many = Layout {
        name: "many logs",
        logs: assumed.tenant_logs,
        leader_cores: assumed.tenant_cores,
        nodes: assumed.tenant_logs * assumed.tenant_nodes,
        reader_cores: (assumed.tenant_nodes - 1) * assumed.tenant_cores,
        cores: assumed.tenant_logs * assumed.tenant_nodes * assumed.tenant_cores + 2 * assumed.tenant_servers * machine,
        ..standby
    };
    let engine = Layout {
        name: "log on an engine, 3 nodes",
        keeper: Keeper::Engine,
        cores: 8 * machine,
        // Of the engine, and of the copy with its standby, for which no answer waits.
        copies: 5,
        ..standby
    };
    vec![measured, one, standby, many, engine]
}
