//! What is asked of payment gateways, and what they tell us. The gateway is the simulator, over HTTP.

mod chaos;
mod checkout;
mod customer;
mod inbox;
mod price;
