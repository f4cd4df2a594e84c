"""The practice router: simulated models behind the protocol of Hugging Face's router and Hub."""
