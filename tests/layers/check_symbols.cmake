# The TLS library is inside the program. If one of its symbols were visible, other libraries in the
# process would bind their OpenSSL calls to it.  Run: cmake -DPROGRAM=<file> -DNM=<nm> -P <this>
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} -D ${PROGRAM} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} cannot read ${PROGRAM}")
endif()
string(REGEX MATCHALL " (SSL|EVP|X509|CRYPTO|BIO|EC|RSA|AES|ngtcp2|nghttp3)_[A-Za-z0-9_@.]+" visible "${symbols}")
if(visible)
  list(LENGTH visible count)
  list(SUBLIST visible 0 10 some)
  message(FATAL_ERROR "${PROGRAM} shows or asks for ${count} symbols of its TLS or QUIC library:${some}")
endif()
