//! Telephone numbers of customers.

crate::step!("ALTER TABLE customers ADD COLUMN phone {text};", "ALTER TABLE customers DROP COLUMN phone;");
