//! The nodes of one cluster, as they tell of each other.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use esdb_protocol::event_store::client::gossip::gossip_server::Gossip;
use esdb_protocol::event_store::client::gossip::member_info::VNodeState;
use esdb_protocol::event_store::client::gossip::{ClusterInfo, EndPoint, MemberInfo};
use esdb_protocol::event_store::client::{Empty, Uuid as WireUuid, uuid as wire_uuid};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::service::Service;

/// Who belongs to it. The first that is alive leads.
#[derive(Debug, Default)]
pub(crate) struct Cluster(Mutex<Nodes>);

#[derive(Debug, Default)]
struct Nodes {
    all: Vec<Node>,
    /// Otherwise each takes what asks for the leader.
    is_one_leader: bool,
}

#[derive(Debug)]
struct Node {
    id: Uuid,
    address: SocketAddr,
    is_alive: bool,
}

impl Cluster {
    pub(crate) fn elect(&self) {
        self.nodes().is_one_leader = true;
    }

    /// For the first time, or again.
    pub(crate) fn enter(&self, address: SocketAddr) {
        let mut nodes = self.nodes();
        match nodes.all.iter_mut().find(|node| node.address == address) {
            Some(node) => node.is_alive = true,
            None => nodes.all.push(Node {
                id: Uuid::new_v4(),
                address,
                is_alive: true,
            }),
        }
    }

    pub(crate) fn leave(&self, address: SocketAddr) {
        let mut nodes = self.nodes();
        nodes
            .all
            .iter_mut()
            .filter(|node| node.address == address)
            .for_each(|node| node.is_alive = false);
    }

    /// Who is to be asked, if a node may not answer what only the leader may.
    pub(crate) fn instead_of(&self, address: SocketAddr) -> Option<SocketAddr> {
        let nodes = self.nodes();
        let leader = nodes.leader().filter(|_| nodes.is_one_leader)?;
        (leader != address).then_some(leader)
    }

    fn tell(&self) -> ClusterInfo {
        let nodes = self.nodes();
        let leader = nodes.leader();
        let members = nodes.all.iter().map(|node| MemberInfo {
            instance_id: Some(WireUuid {
                value: Some(wire_uuid::Value::String(node.id.to_string())),
            }),
            time_stamp: 0,
            state: if leader == Some(node.address) {
                VNodeState::Leader.into()
            } else {
                VNodeState::Follower.into()
            },
            is_alive: node.is_alive,
            http_end_point: Some(EndPoint {
                address: node.address.ip().to_string(),
                port: node.address.port().into(),
            }),
        });
        ClusterInfo {
            members: members.collect(),
        }
    }

    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nodes {
    fn leader(&self) -> Option<SocketAddr> {
        let first = self.all.iter().find(|node| node.is_alive);
        first.map(|node| node.address)
    }
}

#[tonic::async_trait]
impl Gossip for Service {
    async fn read(&self, _: Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        Ok(Response::new(self.cluster().tell()))
    }
}
