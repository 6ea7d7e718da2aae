//! What the handlers work with.

use std::sync::{Arc, Weak};

use audit::Log;

use crate::accounts::Accounts;
use crate::agreement::Agreements;
use crate::attestation::Attestor;
use crate::certificate::Certificate;
use crate::clerk::Clerk;
use crate::config::{Pqc, RawEcdh};
use crate::device::Device;
use crate::exchange::Exchange;
use crate::keyring::Keyring;
use crate::keyservice::KeyService;
use crate::logbook::Logbook;
use crate::login::{CheckIn, Desk, Tickets};
use crate::metrics::Requests;
use crate::pipeline::LargeBodies;
use crate::power::Switch;
use crate::selftest::Examiner;

/// Everything that handlers work with. Cloning is shallow.
#[derive(Clone)]
pub struct Appliance(Arc<Parts>);

/// The parts of an appliance.
pub struct Parts {
    /// Accounts and their logins.
    pub accounts: Accounts,
    /// Keys agreed on for logins.
    pub agreements: Agreements,
    /// The proof of what this device is.
    pub attestor: Attestor,
    /// The certificate that the daemon shows.
    pub certificate: Certificate,
    /// Hearing from the backend.
    pub checkin: CheckIn,
    /// Enters what has no entry yet.
    pub clerk: Clerk,
    /// Logins and session tokens.
    pub desk: Desk,
    /// The device's identity and configuration.
    pub device: Device,
    /// The self-test.
    pub examiner: Examiner,
    /// End-to-end key exchanges.
    pub exchange: Exchange,
    /// The keys.
    pub keyring: Keyring,
    /// The key service.
    pub key_service: KeyService,
    /// The audit log, for writing. No handler reaches it.
    pub log: Log,
    /// The audit log, for reading.
    pub logbook: Logbook,
    /// The limits of the post-quantum API.
    pub pqc: Pqc,
    /// How much of an agreed secret the HEM API tells.
    pub raw_ecdh: RawEcdh,
    /// The tallies of requests.
    pub(crate) requests: Arc<Requests>,
    /// The end of this run.
    pub switch: Switch,
    /// Tokens of limited use.
    pub tickets: Tickets,
}

impl Appliance {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// It, for as long as somebody else has it.
    pub(crate) fn faint(&self) -> Faint {
        Faint(Arc::downgrade(&self.0))
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    pub(crate) fn checkin(&self) -> &CheckIn {
        &self.0.checkin
    }

    pub(crate) fn clerk(&self) -> &Clerk {
        &self.0.clerk
    }

    /// Logins and session tokens.
    pub fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// The device's identity and configuration.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    pub(crate) fn examiner(&self) -> &Examiner {
        &self.0.examiner
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub(crate) fn key_service(&self) -> &KeyService {
        &self.0.key_service
    }

    pub(crate) fn large_bodies(&self) -> &LargeBodies {
        self.0.key_service.large_bodies()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }
}

/// An appliance that may be gone: what works beside the requests must not keep it.
pub(crate) struct Faint(Weak<Parts>);

impl Faint {
    /// The appliance, while it is there.
    pub(crate) fn upgrade(&self) -> Option<Appliance> {
        self.0.upgrade().map(Appliance)
    }
}

/// A part of the appliance. A handler's first argument says which it touches.
pub trait Reach: Send + 'static {
    /// Takes that part out.
    fn reach(appliance: &Appliance) -> Self;
}

impl Reach for () {
    fn reach(_: &Appliance) -> Self {}
}

impl Reach for Accounts {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.accounts.clone()
    }
}

impl Reach for Agreements {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.agreements.clone()
    }
}

impl Reach for Attestor {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.attestor.clone()
    }
}

impl Reach for Certificate {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.certificate.clone()
    }
}

impl Reach for CheckIn {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.checkin.clone()
    }
}

impl Reach for Device {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.device.clone()
    }
}

impl Reach for Examiner {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.examiner.clone()
    }
}

impl Reach for Exchange {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.exchange.clone()
    }
}

impl Reach for Keyring {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.keyring.clone()
    }
}

impl Reach for KeyService {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.key_service.clone()
    }
}

impl Reach for Logbook {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.logbook.clone()
    }
}

impl Reach for Pqc {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.pqc
    }
}

impl Reach for RawEcdh {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.raw_ecdh
    }
}

impl<A: Reach, B: Reach> Reach for (A, B) {
    fn reach(appliance: &Appliance) -> Self {
        (A::reach(appliance), B::reach(appliance))
    }
}

impl Reach for Switch {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.switch.clone()
    }
}

impl Reach for Tickets {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.tickets.clone()
    }
}

impl Reach for Desk {
    fn reach(appliance: &Appliance) -> Self {
        appliance.0.desk.clone()
    }
}
