//! The real module, and the way in.

#![expect(unsafe_code, reason = "the boundary of PKCS#11")]

use std::env;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;

use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CKR_ARGUMENTS_BAD, CKR_GENERAL_ERROR, CKR_OK, Pkcs11};

use crate::board::{Act, Board};
use crate::functions::list;

/// What is behind this module.
pub(crate) struct Module {
    board: Board,
    real: CK_FUNCTION_LIST,
    /// What is given out.
    ours: CK_FUNCTION_LIST,
    /// Keeps the code of `real` in memory.
    _library: Pkcs11,
}

impl Module {
    /// A call of `function`: hands it on by `call`, unless it has to fail.
    pub(crate) fn pass(function: &str, call: impl FnOnce(&CK_FUNCTION_LIST) -> CK_RV) -> CK_RV {
        let Some(module) = module() else { return CKR_GENERAL_ERROR };
        match module.board.count(function) {
            None => call(&module.real),
            Some(Act::Refuse(value)) => value,
            Some(Act::Belie(value)) => {
                call(&module.real);
                value
            }
            Some(Act::Die) => std::process::abort(),
        }
    }

    fn load() -> Result<Self, String> {
        let board = variable(crate::BOARD)?;
        let board = Board::open(&board).map_err(|error| format!("{}: {error}", board.display()))?;
        let path = variable(crate::REAL)?;
        // SAFETY: the test that named the module trusts it.
        let library = unsafe { Pkcs11::new(&path) }
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let nothing = || format!("{} has no function list", path.display());
        library.C_GetFunctionList.as_ref().map_err(|_| nothing())?;
        let mut real: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: the symbol is there, and `real` may be written.
        let value = unsafe { library.C_GetFunctionList(&raw mut real) };
        if value != CKR_OK {
            return Err(nothing());
        }
        // SAFETY: null, or a list that lives as long as the module, of which a copy is taken.
        let real = *unsafe { real.as_ref() }.ok_or_else(nothing)?;
        Ok(Self { board, ours: list(real.version), real, _library: library })
    }
}

/// `C_GetFunctionList`, the one symbol that is looked up by name.
#[unsafe(export_name = "C_GetFunctionList")]
pub(crate) unsafe extern "C" fn get_function_list(to: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    if to.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let Some(module) = module() else { return CKR_GENERAL_ERROR };
    // SAFETY: it is not null, and the caller says where the list shall go.
    unsafe { to.write(ptr::from_ref(&module.ours).cast_mut()) };
    CKR_OK
}

/// Loaded at the first call. `None` where that was not possible, which is said once.
fn module() -> Option<&'static Module> {
    static MODULE: OnceLock<Option<Module>> = OnceLock::new();
    let load = || Module::load().map_err(|why| eprintln!("fault module: {why}")).ok();
    MODULE.get_or_init(load).as_ref()
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"))
}
