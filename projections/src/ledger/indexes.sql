ALTER TABLE lines ADD PRIMARY KEY (account, currency, position);
