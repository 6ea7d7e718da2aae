//! The account that a development device has.

use std::path::Path;

use audit::{Ext, LogResult, LogType};
use policies::Subject;

use crate::accounts::NewAccount;
use crate::command::dev::keep;
use crate::command::failure::Failure;
use crate::fault::Fault;
use crate::owing::Account;
use crate::pipeline::named;
use crate::service::Service;

/// Its name.
pub(super) const NAME: &str = "operator";
/// The file in the folder that has its password.
pub(super) const PASSWORD: &str = "operator-password";

/// Makes the account, where the device has none yet, with its password in the folder.
pub(super) async fn make(service: &Service, dir: &Path) -> Result<(), Failure> {
    if !service.accounts().is_empty() {
        return Ok(());
    }
    let (username, scope) = (NAME.to_owned(), SCOPES.to_owned());
    let new = NewAccount { username, scope, password: keep(dir, PASSWORD, None)? };
    let bill = Account::new(service.clerk().clone());
    bill.during(enter(service, new)).await.map_err(Failure::Device)?;
    bill.pay();
    Ok(())
}

async fn enter(service: &Service, new: NewAccount) -> Result<(), Fault> {
    let kind = LogType::LOG_TYPE_ACCOUNT_CHANGED;
    let entry = service.log().open(Some(kind), named(Subject::User));
    let entry = entry.map_err(|_| Fault::Unlogged)?;
    let ext = Ext::Text(format!("create {} {}", new.username, new.scope));
    service.accounts().make(Subject::User, new).await?;
    let entered = entry.close_as(kind, LogResult::LOG_RESULT_OK, ext).await;
    entered.map(|_| ()).map_err(|_| Fault::Unlogged)
}

/// What an account can be of use for.
const SCOPES: &str = "keymgmt:gen keymgmt:list keymgmt:search keymgmt:get keymgmt:imp keymgmt:upd \
    keymgmt:del keymgmt:derive logger:get token:new pqc:kem pqc:sign pqc:aes e2e:exchange e2e:use";
