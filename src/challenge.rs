//! The security code (mã an toàn).
