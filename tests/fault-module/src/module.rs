//! The real module, and the way in.

#![expect(non_snake_case, reason = "the names of the standard")]
#![expect(unsafe_code, reason = "the boundary of PKCS#11")]

use std::env;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_2, CK_INTERFACE, CK_RV, CK_UTF8CHAR, CK_VERSION,
    CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR, CKR_OK, Pkcs11,
};

use crate::board::{Act, Board};
use crate::functions::{late_list, list, widen};

/// What is behind this module.
pub(crate) struct Module {
    board: Board,
    real: CK_FUNCTION_LIST_3_2,
    /// What is given out.
    ours: CK_FUNCTION_LIST,
    /// The same where the real module has PKCS#11 3.2.
    late: Option<CK_FUNCTION_LIST_3_2>,
    /// Keeps the code of `real` in memory.
    _library: Pkcs11,
}

impl Module {
    /// A call of `function`: hands it on by `call`, unless it has to fail.
    pub(crate) fn pass(function: &str, call: impl FnOnce(&CK_FUNCTION_LIST_3_2) -> CK_RV) -> CK_RV {
        let Some(module) = module() else { return CKR_GENERAL_ERROR };
        let Some(row) = module.board.row(function) else { return CKR_GENERAL_ERROR };
        let call = || row.timed(|| call(&module.real));
        match row.count() {
            None => call(),
            Some(Act::Refuse(value)) => value,
            Some(Act::Belie(value)) => {
                call();
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
        let (ours, late) = (list(real.version), newest(&library));
        let real = late.unwrap_or_else(|| widen(&real));
        Ok(Self { board, real, ours, late: late.map(late_list), _library: library })
    }
}

/// The function list of PKCS#11 3.2, where a module has one. One of 3.0 is passed over.
fn newest(library: &Pkcs11) -> Option<CK_FUNCTION_LIST_3_2> {
    library.C_GetInterface.as_ref().ok()?;
    let (name, version) = (ptr::null_mut(), ptr::null_mut());
    let mut interface: *mut CK_INTERFACE = ptr::null_mut();
    // SAFETY: the symbol is there, null asks for the default, and `interface` may be written.
    let value = unsafe { library.C_GetInterface(name, version, &raw mut interface, 0) };
    // SAFETY: null, or what lives as long as the module.
    let list = unsafe { interface.as_ref() }.filter(|_| value == CKR_OK)?.pFunctionList;
    // SAFETY: null, or a list, each of which begins with its version.
    let CK_VERSION { major, minor } = *unsafe { list.cast::<CK_VERSION>().as_ref() }?;
    if (major, minor) < (3, 2) {
        return None;
    }
    // SAFETY: later lists begin with what is in earlier ones; a copy is taken.
    unsafe { list.cast::<CK_FUNCTION_LIST_3_2>().as_ref() }.copied()
}

/// `C_GetInterface`, for the default one, which is all that cryptoki asks for: the list of 3.2, or
/// that of 2.40 where the real module has nothing newer.
#[unsafe(export_name = "C_GetInterface")]
pub(crate) unsafe extern "C" fn get_interface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    to: *mut *mut CK_INTERFACE,
    _flags: CK_FLAGS,
) -> CK_RV {
    if to.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    if !name.is_null() || !version.is_null() {
        return CKR_FUNCTION_NOT_SUPPORTED;
    }
    let Some(module) = module() else { return CKR_GENERAL_ERROR };
    let list = match &module.late {
        Some(list) => ptr::from_ref(list).cast_mut().cast(),
        None => ptr::from_ref(&module.ours).cast_mut().cast(),
    };
    let pInterfaceName = c"PKCS 11".as_ptr().cast_mut().cast();
    let interface = CK_INTERFACE { pInterfaceName, pFunctionList: list, flags: 0 };
    // SAFETY: it is not null. What is given out has to stay, and is asked for once a process.
    unsafe { to.write(Box::leak(Box::new(interface))) };
    CKR_OK
}

/// `C_GetFunctionList`, with the former all that is looked up by name.
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
