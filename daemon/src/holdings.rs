//! Keys that belong to one identity, and the log: what is made at its first use has an entry of its own,
//! and keys for exchanges end after a time.

use std::time::Duration;

use audit::{Ext, Log, LogType};
use hsm_profiles::KeyType;
use policies::{Kid, OwnKeys, Permit, Subject};
use tokio::time::sleep;

use crate::appliance::{Appliance, Reach};
use crate::clerk::Clerk;
use crate::clock::now;
use crate::config::Pqc;
use crate::entering::enter;
use crate::fault::Fault;
use crate::keyring::{KeyFault, Keyring, Purpose, Standing};
use crate::owing::Account;

/// Keys of one's own. Cloning is shallow.
#[derive(Clone)]
pub struct Holdings {
    keyring: Keyring,
    log: Log,
    clerk: Clerk,
}

impl Holdings {
    /// The caller's key of this type for a purpose of which there is one. Where it is made now, that
    /// is entered before it is used.
    ///
    /// # Errors
    /// As for [`Keyring::create`]; [`Fault::Unlogged`].
    pub async fn standing(
        &self,
        leave: &Permit<impl OwnKeys>,
        kind: KeyType,
        purpose: Purpose,
    ) -> Result<Standing, Fault> {
        if let Some(found) = self.keyring.holding(leave, kind, purpose) {
            return Ok(found);
        }
        let account = Account::new(self.clerk.clone());
        let key = account.during(self.keyring.standing(leave, kind, purpose)).await?;
        // Somebody else may have made it meanwhile, and has entered it.
        if account.is_owing() {
            let made = LogType::LOG_TYPE_KEY_GENERATION;
            enter(&self.log, made, leave.subject(), Ext::Kid(*key.kid.as_bytes())).await?;
            account.pay();
        }
        Ok(key)
    }

    /// The keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Destroys a key whose time is over, and enters that.
    async fn end(&self, kid: Kid) -> Result<(), Fault> {
        let account = Account::new(self.clerk.clone());
        match account.during(self.keyring.expire(kid)).await {
            Ok(()) => {}
            // Somebody was faster: a wipe.
            Err(KeyFault::Absent) => return Ok(()),
            Err(fault) => return Err(fault.into()),
        }
        let ext = Ext::Text(format!("pqc {kid}"));
        enter(&self.log, LogType::LOG_TYPE_KEY_EXPIRED, Subject::Anonymous, ext).await?;
        account.pay();
        Ok(())
    }
}

impl Reach for Holdings {
    fn reach(appliance: &Appliance) -> Self {
        Self {
            keyring: appliance.keyring().clone(),
            log: appliance.log().clone(),
            clerk: appliance.clerk().clone(),
        }
    }
}

/// Destroys keys for exchanges that are older than they may be, as long as the appliance is there.
pub(crate) fn sweep(appliance: &Appliance, Pqc { enabled, key_seconds: seconds, .. }: Pqc) {
    if !enabled || seconds == 0 {
        return;
    }
    let (faint, pause) = (appliance.faint(), Duration::from_secs((seconds / 2).clamp(1, HOUR)));
    tokio::spawn(async move {
        while let Some(appliance) = faint.upgrade() {
            end_all(&Holdings::reach(&appliance), seconds).await;
            drop(appliance);
            sleep(pause).await;
        }
    });
}

async fn end_all(holdings: &Holdings, seconds: u64) {
    let before = now().saturating_sub(seconds);
    for kid in holdings.keyring.outdated(before) {
        if let Err(fault) = holdings.end(kid).await {
            let why = fault.detail();
            tracing::warn!(%kid, %why, "a key whose time is over can't be destroyed now");
            return;
        }
    }
}

const HOUR: u64 = 3600;
