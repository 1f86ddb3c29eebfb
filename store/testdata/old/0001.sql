-- What a database at schema 1 held.
INSERT INTO stacks VALUES ('stk_old', 'Seattle', 'https://management.seattle.azurestack.test', 'https://portal.seattle.azurestack.test',
    'seattle', '{"Identity":"azure_ad","TenantID":"t"}', 't', 'sub', '{"Method":"client_secret","ClientID":"c","Secret":"sec_old"}',
    '', '', 1, 1763888400000000000, 'ana', 3);
INSERT INTO deployments VALUES ('dep_old', 'Ratings', 1763888400000000000, 'ana', 1);
INSERT INTO sites VALUES ('site_old', 'dep_old', 'stk_old', 'Seattle', 0);
INSERT INTO helper_vms VALUES ('hvm_old', 'site_old', 0, '127.0.0.5', 22, 'azureuser', 'sec_key', 'ssh-rsa A', 1, 'Ubuntu 22.04',
    'v0.85.0', '[{"Version":"1.33.10","Default":true}]', 'ratings-rg', 'helper', 1763888400000000000);
INSERT INTO clusters VALUES ('clu_old', 'site_old', 'ratings-sea', '12345678', 'rg', 'fqdn', '1.33.10', 'v0.85.0', 3, 'Standard_D2_v2',
    '[{"Name":"linuxpool","Count":3}]', 'azureuser', '', '_output', 'sec_kube', 0, 1763888400000000000, 'ana');
INSERT INTO api_models VALUES ('apm_old', 'clu_old', 1, 'ab', 10, 'sec_doc', 'run_old', 1763888400000000000);
INSERT INTO drafts VALUES ('drf_old', 'cluster', 'dep_old', 'site_old', 'stk_old', '{"name":"ratings-sea"}', 2, 'ana',
    1763888400000000000, 'bob', 1763888400000000000, '');
INSERT INTO check_results VALUES ('drf_old', 'quota', 'waived', 'f', 'r', '', 'ana', 'known', 1763888400000000000, 1763888400000000000, 2);
